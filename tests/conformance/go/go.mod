module brickyard.invalid/conformance

go 1.21

require (
	github.com/dgrijalva/jwt-go v3.2.0+incompatible
	github.com/heketi/heketi v9.0.0+incompatible
)

require (
	github.com/asaskevich/govalidator v0.0.0-20230301143203-a9d515a09cc2 // indirect
	github.com/go-ozzo/ozzo-validation v3.6.0+incompatible // indirect
)
